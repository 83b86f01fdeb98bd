export { createOnnxEngine, ONNX_PROVIDERS, type OnnxEngineOptions, type OnnxProvider } from './onnx-engine.js';
