-- Hooks as people edit them: libraries beside hooks, versions that pin what they load, test cases that an activation runs.

ALTER TABLE hooks
    ADD COLUMN kind text NOT NULL DEFAULT 'hook' CHECK (kind IN ('hook', 'library')),
    ADD COLUMN description text NOT NULL DEFAULT '',
    -- the ETag: rises with every visible change
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

ALTER TABLE hook_versions
    -- the contract this source was written for
    ADD COLUMN api integer NOT NULL DEFAULT 1,
    ADD COLUMN note text NOT NULL DEFAULT '',
    -- what the daemon would call, as the sandbox read it when the version was stored
    ADD COLUMN functions text[] NOT NULL DEFAULT '{}',
    -- the names of libraries that this source itself loads
    ADD COLUMN loads text[] NOT NULL DEFAULT '{}',
    -- [{name, hook_id, version, sha}] in the order in which they are loaded, each before those that load it
    ADD COLUMN libraries jsonb NOT NULL DEFAULT '[]';

ALTER TABLE bindings
    ADD COLUMN permissions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- Which version ran when: a retry uses the one of its operation's first try.
CREATE TABLE hook_activations (
    tenant_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL,
    activated_by uuid,
    PRIMARY KEY (tenant_id, hook_id, activated_at)
);

INSERT INTO hook_activations (tenant_id, hook_id, activated_at, version)
SELECT h.tenant_id, h.id, v.created_at, h.active_version
FROM hooks h
JOIN hook_versions v ON v.tenant_id = h.tenant_id AND v.hook_id = h.id AND v.version = h.active_version;

-- Saved test cases: what a function must answer to a context.
CREATE TABLE hook_tests (
    tenant_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    function text NOT NULL,
    context jsonb NOT NULL,
    expected jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    PRIMARY KEY (tenant_id, hook_id, id)
);

CREATE UNIQUE INDEX hook_tests_name ON hook_tests (tenant_id, hook_id, name);

GRANT SELECT, INSERT, UPDATE, DELETE ON hook_tests TO provisiond_worker;
GRANT SELECT, INSERT, DELETE ON hook_activations TO provisiond_worker;
