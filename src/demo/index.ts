/** The embedded SOMA network, set up for mining: models published, targets open. */
export {
  type DemoNetwork,
  type DemoNetworkOptions,
  type DemoNetworkStep,
  startDemoNetwork,
} from './demo-network.js';
