// Makes a key of the asked kind, prints its certificate as one JSON line, reads an envelope as one
// JSON line, and prints what was inside as another. The secret key never leaves this process.
import { createInterface } from "node:readline";
import * as openpgp from "openpgp";

const kinds = {
  curve25519: { type: "ecc", curve: "curve25519Legacy" },
  "curve25519-v6": { type: "curve25519", config: { v6Keys: true, aeadProtect: true } },
  "nist-p256": { type: "ecc", curve: "nistP256" },
  "nist-p384": { type: "ecc", curve: "nistP384" },
  "nist-p521": { type: "ecc", curve: "nistP521" },
  rsa2048: { type: "rsa", rsaBits: 2048 },
  rsa3072: { type: "rsa", rsaBits: 3072 },
  rsa4096: { type: "rsa", rsaBits: 4096 },
};

const { privateKey, publicKey } = await openpgp.generateKey({
  userIDs: [{ name: "Alice", email: "alice@example.com" }],
  format: "object",
  ...kinds[process.argv[2]],
});
console.log(JSON.stringify({ certificate: publicKey.armor(), fingerprint: publicKey.getFingerprint().toUpperCase() }));

for await (const line of createInterface({ input: process.stdin })) {
  const message = await openpgp.readMessage({ armoredMessage: JSON.parse(line) });
  const { data } = await openpgp.decrypt({ message, decryptionKeys: privateKey });
  console.log(JSON.stringify(data));
  process.exit(0);
}
