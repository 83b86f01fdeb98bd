export type { DataHost } from './contract.js';
export { HttpHost, type HttpHostOptions } from './http-host.js';
export { S3Host, type S3HostOptions } from './s3-host.js';
export { verifiedHost } from './verified-host.js';
