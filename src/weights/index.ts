// Weight files: downloaded, verified, decrypted, cached, opened, generated.

export { HttpClient, type HttpClientOptions } from '../net/index.js';
export { type ByteSink, downloadManifest, type ManifestDownloadOptions } from './download.js';
export { type GenerateWeightsOptions, generateWeights, generateWeightsBytes } from './generate.js';
export { type DataManifest, type WeightsManifest, weightsIdentity } from './manifest.js';
export { type OpenSafetensorsOptions, openSafetensors, safetensorsFromBytes } from './safetensors.js';
export {
  type FetchWeightsOptions,
  WeightsCache,
  type WeightsCacheDeps,
  type WeightsCacheOptions,
} from './weights-cache.js';
export type { TensorDtype, TensorInfo, WeightsFile } from './weights-file.js';
