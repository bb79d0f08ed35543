-- What people decided about cases: found again for the next case like it, and taken back.

-- The last decisions at a target, without reading what is open.
CREATE INDEX cases_decided ON cases (tenant_id, connector_id, id) WHERE status IN ('confirmed', 'rejected');

-- Which case a review came from: an answer that is taken back takes its reviews along. NULL: a process of the step before.
ALTER TABLE correlation_reviews ADD COLUMN case_id uuid;

CREATE INDEX correlation_reviews_case ON correlation_reviews (tenant_id, case_id) WHERE case_id IS NOT NULL;

GRANT DELETE ON correlation_reviews TO provisiond_worker;
