"""PGPy behind the commands of Stateless OpenPGP: `generate-key KIND`, `extract-cert`, and `decrypt KEYFILE`."""

import sys
import warnings

warnings.simplefilter("ignore")

import pgpy  # noqa: E402
from pgpy.constants import (  # noqa: E402
    EllipticCurveOID as Curve,
    HashAlgorithm,
    KeyFlags,
    PubKeyAlgorithm as Algorithm,
    SymmetricKeyAlgorithm,
)

KINDS = {
    "curve25519": ((Algorithm.EdDSA, Curve.Ed25519), (Algorithm.ECDH, Curve.Curve25519)),
    "nist-p256": ((Algorithm.ECDSA, Curve.NIST_P256), (Algorithm.ECDH, Curve.NIST_P256)),
    "rsa2048": ((Algorithm.RSAEncryptOrSign, 2048), (Algorithm.RSAEncryptOrSign, 2048)),
}


def generate(kind):
    primary, encryption = KINDS[kind]
    key = pgpy.PGPKey.new(*primary)
    key.add_uid(
        pgpy.PGPUID.new("Alice", email="alice@example.com"),
        usage={KeyFlags.Certify, KeyFlags.Sign},
        hashes=[HashAlgorithm.SHA256],
        ciphers=[SymmetricKeyAlgorithm.AES256],
    )
    usage = {KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage}
    key.add_subkey(pgpy.PGPKey.new(*encryption), usage=usage)
    return str(key)


def main():
    command, *arguments = sys.argv[1:]
    if command == "generate-key":
        sys.stdout.write(generate(arguments[0]))
    elif command == "extract-cert":
        key, _ = pgpy.PGPKey.from_blob(sys.stdin.read())
        sys.stdout.write(str(key.pubkey))
    else:
        key, _ = pgpy.PGPKey.from_file(arguments[0])
        opened = key.decrypt(pgpy.PGPMessage.from_blob(sys.stdin.read())).message
        sys.stdout.write(opened if isinstance(opened, str) else opened.decode())


main()
