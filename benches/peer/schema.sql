-- A vault as it is usually built: random tokens, sealed values, an audit table.
CREATE EXTENSION pgcrypto;

CREATE TABLE token (
    fingerprint bytea PRIMARY KEY,
    token text NOT NULL UNIQUE,
    sealed bytea NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    principal text NOT NULL,
    action text NOT NULL,
    fingerprints bytea[] NOT NULL
);

CREATE FUNCTION fingerprint(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT hmac(value, 'a key of 32 bytes for fingerprints', 'sha256')
$$;

CREATE FUNCTION seal(value text) RETURNS bytea LANGUAGE sql VOLATILE AS $$
    SELECT iv || encrypt_iv(convert_to(value, 'UTF8'), '0123456789abcdef0123456789abcdef', iv,
                            'aes-cbc/pad:pkcs')
    FROM (SELECT gen_random_bytes(16) AS iv) AS fresh
$$;

CREATE FUNCTION unseal(sealed bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT convert_from(decrypt_iv(substr(sealed, 17), '0123456789abcdef0123456789abcdef',
                                   substr(sealed, 1, 16), 'aes-cbc/pad:pkcs'), 'UTF8')
$$;

-- The token of each value, in any order; those that are new are made.
CREATE FUNCTION tokenize(texts text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (principal, action, fingerprints)
        VALUES ('backend', 'tokenize', ARRAY(SELECT fingerprint(t) FROM unnest(texts) AS t));
    INSERT INTO token (fingerprint, token, sealed)
        SELECT fingerprint(t), encode(gen_random_bytes(12), 'hex'), seal(t)
        FROM unnest(texts) AS t
        WHERE NOT EXISTS (SELECT FROM token WHERE token.fingerprint = fingerprint(t))
        ON CONFLICT (fingerprint) DO NOTHING;
    RETURN QUERY SELECT token.token FROM token
        WHERE token.fingerprint IN (SELECT fingerprint(t) FROM unnest(texts) AS t);
END
$$;

-- The values of tokens, with the audit row in the same transaction.
CREATE FUNCTION reveal(tokens text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (principal, action, fingerprints)
        SELECT 'support', 'reveal', array_agg(fingerprint) FROM token
        WHERE token.token = ANY (tokens);
    RETURN QUERY SELECT unseal(sealed) FROM token WHERE token.token = ANY (tokens);
END
$$;

-- What is known and revealed: 20,000 values, by number.
CREATE TABLE sample (number bigint PRIMARY KEY, value text NOT NULL, token text);
INSERT INTO sample (number, value) SELECT n, 'Customer ' || n FROM generate_series(1, 20000) AS n;
SELECT count(*) FROM tokenize(ARRAY(SELECT value FROM sample));
UPDATE sample SET token = token.token FROM token
    WHERE token.fingerprint = fingerprint(sample.value);
VACUUM ANALYZE;
