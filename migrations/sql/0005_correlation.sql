-- Rule sets that people edit, and what the engine learns from their decisions.

ALTER TABLE rule_sets ADD COLUMN note text NOT NULL DEFAULT '';

-- Which version was in force when: going back means the one before. Version 0 is the rules that we ship.
CREATE TABLE rule_set_activations (
    tenant_id uuid NOT NULL,
    connector_id uuid NOT NULL,
    activated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL,
    activated_by uuid,
    PRIMARY KEY (tenant_id, connector_id, activated_at)
);

INSERT INTO rule_set_activations (tenant_id, connector_id, activated_at, version, activated_by)
SELECT tenant_id, connector_id, created_at, version, created_by FROM rule_sets WHERE is_active;

GRANT SELECT, INSERT ON rule_set_activations TO provisiond_worker;

-- Rules tried on what people decided and on links in force, a page of accounts at a time, by whoever plans.
CREATE TABLE correlation_backtests (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    -- the rules that are tried, and what was in force when this was asked for
    rules jsonb NOT NULL,
    base_version integer NOT NULL,
    base_rules jsonb NOT NULL,
    -- why these rules: a person's, or proposed by the daemon
    origin text NOT NULL DEFAULT 'person' CHECK (origin IN ('person', 'refined')),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    -- first what people decided, then links in force
    phase text NOT NULL DEFAULT 'decisions' CHECK (phase IN ('decisions', 'links')),
    done_to uuid,
    accounts_done bigint NOT NULL DEFAULT 0,
    -- as worker/correlation/replay.py makes them
    counts jsonb NOT NULL DEFAULT '{}',
    flips jsonb NOT NULL DEFAULT '[]',
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX correlation_backtests_of ON correlation_backtests (tenant_id, connector_id, id);
CREATE INDEX correlation_backtests_live ON correlation_backtests (tenant_id, id)
    WHERE status IN ('pending', 'running');

-- Accounts that correlation or a person linked: what samples are drawn from.
CREATE INDEX accounts_matched ON accounts (tenant_id, connector_id, id) WHERE match IS NOT NULL;

CREATE INDEX cases_of_account ON cases (tenant_id, account_id) WHERE account_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON correlation_backtests TO provisiond_worker;

-- What a pair looked like when a person decided, by rule; empty: the decision holds for good.
ALTER TABLE decisions ADD COLUMN evidence jsonb NOT NULL DEFAULT '{}';

-- People who are new or have changed, whose keys may lead to accounts of nobody; and targets (kind 'target') whose rules
-- have changed so that their accounts need other keys.
CREATE TABLE recorrelations (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('person', 'target')),
    ref_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, kind, ref_id)
);

GRANT SELECT, INSERT, DELETE ON recorrelations TO provisiond_worker;

-- What people said of pairs that the rules were more or less sure of: precision and calibration are read off these.
CREATE TABLE correlation_reviews (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    account_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('question', 'spot_check')),
    confidence double precision NOT NULL,
    is_one boolean NOT NULL,
    rule_set_version integer,
    reviewed_at timestamptz NOT NULL,
    reviewed_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX correlation_reviews_of ON correlation_reviews (tenant_id, connector_id, kind, id);

-- A question of the rules, or a link that they made and a person is to check.
ALTER TABLE cases ADD COLUMN kind text NOT NULL DEFAULT 'question' CHECK (kind IN ('question', 'spot_check'));

GRANT SELECT, INSERT ON correlation_reviews TO provisiond_worker;
