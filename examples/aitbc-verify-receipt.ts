// Verifies receipts without asking a server: npx tsx examples/aitbc-verify-receipt.ts receipt.json [key-id…]
import { readFile } from 'node:fs/promises';
import { verifyReceipt } from 'quarry-miner/aitbc';

const [file, ...keys] = process.argv.slice(2);
if (file === undefined) throw new Error('name a file with a receipt');
// Bytes, not JSON.parse: 1 and 1.0 are different receipts.
const result = verifyReceipt(await readFile(file), { trustedSigners: keys, trustedAttesters: keys });
console.log(result.verified ? 'intact' : 'NOT VALID', result.trusted ? 'and trusted' : 'but not trusted');
for (const reason of result.failureReasons) console.log(`- ${reason}`);
for (const field of result.unauthenticatedFields) console.log(`- not covered by the signature: ${field}`);
process.exitCode = result.verified ? 0 : 1;
