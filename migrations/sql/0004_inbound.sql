-- Sealed values on their way out, and attributes of identities that come back from targets.

-- What an account was given last of each secret attribute: {name: fingerprint}, and {"hook name": …} of what a hook set.
-- A keyed hash: it tells one value from another and gives none away.
ALTER TABLE accounts ADD COLUMN secret_marks jsonb;
