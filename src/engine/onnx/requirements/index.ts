export {
  adapterRequirement,
  chooseProvider,
  chooseProviderHere,
  type GpuProvider,
  gpuProviders,
  isReady,
} from './gpu-providers.js';
export { type Machine, type Requirement, thisMachine } from './machine.js';
