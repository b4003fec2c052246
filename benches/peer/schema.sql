-- The peer's whole vault: values behind random tokens, and who did what.
CREATE EXTENSION pgcrypto;

CREATE TABLE value (
    token text PRIMARY KEY,
    fingerprint bytea NOT NULL UNIQUE,
    subject text NOT NULL,
    initial bytea NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX value_by_subject ON value (subject);

CREATE TABLE entry (
    index bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    principal text NOT NULL,
    event text NOT NULL,
    tokens text[] NOT NULL
);

-- The key comes from whoever calls; here it is always the same.
CREATE FUNCTION key_of(purpose text) RETURNS bytea IMMUTABLE PARALLEL SAFE LANGUAGE sql
    RETURN decode(repeat(CASE purpose WHEN 'seal' THEN '5e' ELSE 'f1' END, 32), 'hex');

CREATE FUNCTION token_of(a_value text, a_subject text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    print bytea := hmac(convert_to(a_value, 'UTF8'), key_of('find'), 'sha256');
    start bytea := gen_random_bytes(16);
    found text;
BEGIN
    SELECT token INTO found FROM value WHERE fingerprint = print;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    INSERT INTO value VALUES (
        encode(gen_random_bytes(12), 'hex'), print, a_subject, start,
        encrypt_iv(convert_to(a_value, 'UTF8'), key_of('seal'), start, 'aes-cbc/pad:pkcs')
    )
    ON CONFLICT (fingerprint) DO UPDATE SET subject = value.subject
    RETURNING token INTO found;
    RETURN found;
END $$;

-- One call: the tokens, and the entry that says so, in one transaction.
CREATE FUNCTION tokenize(a_principal text, some_values text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    tokens text[];
BEGIN
    SELECT array_agg(token_of(it.a_value, 'cus_' || it.place / 3) ORDER BY it.place) INTO tokens
    FROM unnest(some_values) WITH ORDINALITY AS it (a_value, place);
    INSERT INTO entry (principal, event, tokens) VALUES (a_principal, 'tokenize', tokens);
    RETURN tokens;
END $$;

CREATE FUNCTION reveal(a_principal text, some_tokens text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    values text[];
BEGIN
    INSERT INTO entry (principal, event, tokens) VALUES (a_principal, 'reveal', some_tokens);
    SELECT array_agg(
        convert_from(
            decrypt_iv(value.sealed, key_of('seal'), value.initial, 'aes-cbc/pad:pkcs'), 'UTF8'
        ) ORDER BY it.place
    ) INTO values
    FROM unnest(some_tokens) WITH ORDINALITY AS it (token, place)
    JOIN value USING (token);
    RETURN values;
END $$;

-- Values that are made of numbers, so that a caller need not remember them.
CREATE FUNCTION values_of(first bigint, count int) RETURNS text[] IMMUTABLE LANGUAGE sql
    RETURN ARRAY(
        SELECT 'ada.lovelace.' || number || '@example.com'
        FROM generate_series(first, first + count - 1) AS number
    );

CREATE SEQUENCE next_value START 1;

-- What is known before anything is measured, each with its number for whoever reveals it.
CREATE TABLE known (number int PRIMARY KEY, token text NOT NULL);
INSERT INTO known
SELECT number - 1, token
FROM unnest(tokenize('fill', values_of(-20000, 20000))) WITH ORDINALITY AS it (token, number);
