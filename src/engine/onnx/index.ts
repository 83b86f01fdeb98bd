export { createOnnxEngine, type OnnxEngineOptions } from './onnx-engine.js';
export { ONNX_PROVIDERS, type OnnxProvider } from './providers.js';
