/** The embedded SOMA network brought to where mining begins: models published, targets open. */
export {
  type DemoNetwork,
  type DemoNetworkOptions,
  type DemoNetworkStep,
  startDemoNetwork,
} from './demo-network.js';
