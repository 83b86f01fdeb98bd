import type { Setting } from '../setting.js';

/** Settings of where submitted data is served. */
export const HOSTING_SETTINGS = {
  dataPort: {
    kind: 'integer',
    env: 'QUARRY_DATA_PORT',
    flag: '--data-port <n>',
    former: { name: 'hostPort', flag: '--host-port <n>', env: 'QUARRY_HOST_PORT' },
    min: 0,
    max: 65_535,
    help: 'serve submitted data from this process',
  },
  hostInterface: {
    kind: 'string',
    env: 'QUARRY_HOST_INTERFACE',
    flag: '--host-interface <address>',
    default: '127.0.0.1',
    help: 'interface the data host listens on',
  },
  hostUrl: {
    kind: 'string',
    env: 'QUARRY_HOST_URL',
    flag: '--host-url <url>',
    help: 'public base URL of the data host',
  },
  s3Bucket: {
    kind: 'string',
    env: 'S3_BUCKET',
    flag: '--s3-bucket <name>',
    help: 'host submitted data in this bucket',
  },
  s3EndpointUrl: {
    kind: 'string',
    env: 'S3_ENDPOINT_URL',
    flag: '--s3-endpoint-url <url>',
    help: 'S3-compatible endpoint',
  },
  s3PublicUrl: {
    kind: 'string',
    env: 'S3_PUBLIC_URL',
    flag: '--s3-public-url <url>',
    help: 'public base URL of the bucket',
  },
  s3Region: {
    kind: 'string',
    env: 'S3_REGION',
    flag: '--s3-region <name>',
    default: 'auto',
    help: 'region of the bucket',
  },
  s3AccessKeyId: { kind: 'string', env: 'S3_ACCESS_KEY_ID', secret: true, help: 'S3 access key id' },
  s3SecretAccessKey: { kind: 'string', env: 'S3_SECRET_ACCESS_KEY', secret: true, help: 'S3 secret access key' },
} as const satisfies Record<string, Setting>;
