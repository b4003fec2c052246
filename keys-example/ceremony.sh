#!/usr/bin/env bash
# A ceremony with the three officers of this example, from the first signature to the auditors'
# record: a wrapping key is rotated by one of them, and destroyed by two; and two let a token be
# replaced by another, as after keys became known to others, and an entry of the log be erased.
#
#     bash keys-example/ceremony.sh [DIRECTORY]
#
# A vault for development is made and served in DIRECTORY, which must be new; without one it is a
# temporary directory that is removed in the end. COUNTERFOIL names the program, `counterfoil`
# without it. In production each officer calls from a machine of their own, where their key is.
set -euo pipefail

counterfoil=${COUNTERFOIL:-counterfoil}
directory=${1:-$(mktemp -d)}
dev=$directory/dev
[ ! -e "$dev" ] || {
    echo "there is a vault in the directory already" >&2
    exit 1
}
mkdir -p "$directory"

say() { printf '\n== %s\n' "$*"; }

# Calls the vault as one of the example's identities.
as() {
    local identity=$1
    shift
    "$counterfoil" "$@" --dev "$dev" --as "$identity"
}

say "A vault is made and served."
coproc VAULT { exec "$counterfoil" serve --dev "$dev" 2>"$directory/serve.log"; }
vault=$VAULT_PID
end() {
    kill "$vault" 2>/dev/null && wait "$vault" 2>/dev/null || true
    [ -n "$1" ] || rm -rf "$directory"
}
trap 'end "${1:-}"' EXIT
read -r ready <&"${VAULT[0]}" || {
    echo "the vault does not start" >&2
    cat "$directory/serve.log" >&2
    exit 1
}
echo "$ready"

say "A value gets its token."
value='Ada Lovelace'
token=$(printf '%s\n' "$value" | "$counterfoil" tokenize --field name --dev "$dev")
echo "$token"

say "officer1 rotates the wrapping key. One signature is enough for that."
rotation=$(as officer1 keys propose rotate --yes)
as officer1 keys watch "$rotation"

say "officer1 proposes to destroy the version of before. Nothing happens: it takes two."
destruction=$(as officer1 keys propose destroy --key-version 1 --yes)
as auditor keys show "$destruction"

say "officer2 reads the statement, and signs it. officer3 and another could still cancel it."
as officer2 keys approve "$destruction" --yes
as officer2 keys watch "$destruction"

say "The keys, with their states by NIST SP 800-57."
as auditor keys list

say "The token is what it was, and opens."
again=$(printf '%s\n' "$value" | "$counterfoil" tokenize --field name --dev "$dev")
opened=$(printf '%s\n' "$token" |
    "$counterfoil" detokenize --field name --purpose ceremony --dev "$dev")
[ "$again" = "$token" ] && [ "$opened" = "$value" ]
echo "$again, $opened"

say "Two let tokens be replaced: whoever copied keys of before opens the old ones only."
replacing=$(as officer1 keys propose retokenize --tokens 10 --open-hours 1 --yes)
as officer3 keys approve "$replacing" --yes
new=$(printf '%s\n' "$token" |
    "$counterfoil" retokenize --field name --operation "$replacing" --dev "$dev")
for each in "$token" "$new"; do
    opened=$(printf '%s\n' "$each" |
        "$counterfoil" detokenize --field name --purpose ceremony --dev "$dev")
    [ "$opened" = "$value" ]
done
again=$(printf '%s\n' "$token" |
    "$counterfoil" retokenize --field name --operation "$replacing" --dev "$dev")
[ "$new" != "$token" ] && [ "$again" = "$new" ]
echo "$token is $new now; the old one opens for 30 days, and leads to the new one"

say "Two have an entry of the log erased. Its hash stays, and the log verifies."
index=$("$counterfoil" audit export --dev "$dev" | grep '"event":"tokenize"' |
    sed -n '1s/^{"index":\([0-9]*\),.*/\1/p')
erasure=$(as officer1 keys propose erase-entry "$index" --yes)
as officer2 keys approve "$erasure" --yes
as officer2 keys watch "$erasure"
"$counterfoil" audit export --dev "$dev" | grep "^{\"erased\":$index,"
"$counterfoil" audit verify --dev "$dev" | grep 'entries are erased'

say "The auditors' record, checked with public keys alone."
as auditor keys record "$destruction" >"$directory/record.txt"
as auditor keys list --charter >"$directory/charter.txt"
"$counterfoil" keys check-record "$directory/record.txt" \
    --public-key "$dev/audit.vkey" --charter "$directory/charter.txt"
