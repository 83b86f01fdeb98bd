// Model shapes. Defined in `weights/`, because the layout of a weight file follows from them.
export {
  assertModelConfig,
  EOS_TOKEN,
  MODEL_CONFIGS,
  type ModelConfig,
  type ModelConfigName,
  PAD_TOKEN,
} from '../weights/model-config.js';
