export { decodeBase64Exact, encodeBase64Url } from './base64.js';
export { canonicalJson, receiptHash } from './canonical-json.js';
export {
  isJsonMembers,
  type JsonMembers,
  type JsonNode,
  JsonNumber,
  parseLosslessJson,
  stringifyLosslessJson,
  toPlainJson,
} from './lossless-json.js';
export { type ReceiptSignature, receiptMessage, SIGNATURE_MEMBERS, signReceipt } from './sign-receipt.js';
export {
  POST_SIGNING_MEMBERS,
  type ReceiptVerification,
  type SignatureCheck,
  type VerifyReceiptOptions,
  verifyReceipt,
} from './verify-receipt.js';
