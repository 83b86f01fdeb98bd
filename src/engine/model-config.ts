// The shapes engines are built for. They live with the weights, because the layout of a file follows from them.
export {
  assertModelConfig,
  EOS_TOKEN,
  MODEL_CONFIGS,
  type ModelConfig,
  type ModelConfigName,
  PAD_TOKEN,
} from '../weights/model-config.js';
