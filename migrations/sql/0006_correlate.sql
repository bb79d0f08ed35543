-- Hooks that say whose an account is.

-- A process of the step before reads every binding, and knows none but its three phases: to it such a binding is one
-- before a change of no kind of operation, which it never runs.
ALTER TABLE bindings ADD COLUMN is_correlating boolean NOT NULL DEFAULT false;
