"""Makes soma-sdk-chain.json with the official SDK as the oracle.

    python3 -m venv venv && venv/bin/pip install soma-sdk==0.1.15
    npx tsx test/vectors/make-soma-sdk-inputs.ts | venv/bin/python test/vectors/make-soma-sdk.py > test/vectors/soma-sdk-chain.json

The SDK decodes the transaction bytes it is given, encodes them again and signs the result, so every entry proves that
it reads and writes the same bytes.
"""
import hashlib
import json
import sys

from soma_sdk import Keypair, SomaClient

COMMAND = "npx tsx test/vectors/make-soma-sdk-inputs.ts | venv/bin/python test/vectors/make-soma-sdk.py"


def key_entry(pair):
    return {"secretHex": pair.to_secret_key(), "bech32": pair.to_encoded(), "address": pair.address()}


def secret(index):
    return hashlib.sha256(b"soma sdk vector %d" % index).digest()


MNEMONICS = [
    "film crazy soon outside stand loop subway crumble thrive popular green nuclear struggle pistol arm wife phrase "
    "warfare march wheat nephew ask sunny firm",
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal will",
    "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group "
    "space point ten exist slush involve unfold",
]

signer = Keypair.from_secret_key(secret(0))
transactions = []
for each in json.load(sys.stdin):
    signed = signer.sign(bytes.fromhex(each["bcsHex"]))
    transactions.append({**each, "signedHex": bytes(signed).hex()})

weights = []
for index, size in enumerate([0, 1, 15, 16, 17, 100, 1000]):
    key = secret(100 + index)
    plain = (hashlib.sha512(bytes([index])).digest() * 20)[:size]
    encrypted, key_text = SomaClient.encrypt_weights(plain, key)
    assert bytes(SomaClient.decrypt_weights(encrypted, key_text)) == plain
    weights.append({
        "keyHex": key.hex(),
        "keyBase58": key_text,
        "plainHex": plain.hex(),
        "encryptedHex": bytes(encrypted).hex(),
        "commitment": SomaClient.commitment(bytes(encrypted)),
    })

json.dump({
    "origin": "soma-sdk 0.1.15 from PyPI",
    "command": COMMAND,
    "signerSecretHex": secret(0).hex(),
    "secrets": [key_entry(Keypair.from_secret_key(secret(index))) for index in range(8)],
    "mnemonics": [{"phrase": phrase, **key_entry(Keypair.from_mnemonic(phrase))} for phrase in MNEMONICS],
    "transactions": transactions,
    "weights": weights,
}, sys.stdout, indent=1)
print()
