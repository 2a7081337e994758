// openpgp.js behind the commands of Stateless OpenPGP: `generate-key KIND`, `extract-cert`, and `decrypt KEYFILE`.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
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

const [command, argument] = process.argv.slice(2);
if (command === "generate-key") {
  const userIDs = [{ name: "Alice", email: "alice@example.com" }];
  const { privateKey } = await openpgp.generateKey({ userIDs, format: "armored", ...kinds[argument] });
  process.stdout.write(privateKey);
} else if (command === "extract-cert") {
  const key = await openpgp.readKey({ armoredKey: await text(process.stdin) });
  process.stdout.write(key.toPublic().armor());
} else {
  const message = await openpgp.readMessage({ armoredMessage: await text(process.stdin) });
  const decryptionKeys = await openpgp.readPrivateKey({ armoredKey: readFileSync(argument, "utf8") });
  const { data } = await openpgp.decrypt({ message, decryptionKeys });
  process.stdout.write(data);
}
