#!/bin/sh
# Makes the certificates by which the services know each other: one authority, and one certificate for each service.
#
#   deploy/certificates.sh DIRECTORY [DAYS]
#
# writes authority.crt and, for config, auth and delivery, SERVICE.crt and SERVICE.key. What is there and still good
# for 30 days is left alone. The authority's key is thrown away, so nobody can sign another certificate later: when
# one is to be renewed, all are, and the services are restarted.
set -eu
umask 077

directory=${1:?usage: certificates.sh DIRECTORY [DAYS]}
days=${2:-365}
services="config auth delivery"
thirty_days=2592000

is_good() {
    for name in authority $services; do
        openssl x509 -in "$directory/$name.crt" -noout -checkend "$thirty_days" >/dev/null 2>&1 || return 1
    done
    for name in $services; do
        test -s "$directory/$name.key" || return 1
        openssl verify -CAfile "$directory/authority.crt" "$directory/$name.crt" >/dev/null 2>&1 || return 1
    done
}

mkdir -p "$directory"
if is_good; then
    echo "certificates: those in $directory are good"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

new_key "$work/authority.key"
openssl req -x509 -new -key "$work/authority.key" -sha256 -days "$days" -subj "/CN=Sluice internal authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
    -out "$work/authority.crt"

for service in $services; do
    new_key "$work/$service.key"
    openssl req -new -key "$work/$service.key" -subj "/CN=$service" -out "$work/$service.csr"
    # Each service is called, and calls the others.
    cat >"$work/$service.ext" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:$service, DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
    openssl x509 -req -in "$work/$service.csr" -CA "$work/authority.crt" -CAkey "$work/authority.key" \
        -set_serial "0x$(openssl rand -hex 16)" -sha256 -days "$days" -extfile "$work/$service.ext" \
        -out "$work/$service.crt" 2>/dev/null
done

# The keys first: a certificate without its key would look like a set that is complete.
for service in $services; do
    cp "$work/$service.key" "$directory/$service.key"
done
for name in authority $services; do
    cp "$work/$name.crt" "$directory/$name.crt"
    chmod 644 "$directory/$name.crt"
done
echo "certificates: made for $services in $directory, good for $days days"
