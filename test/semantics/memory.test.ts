import { memoryCluster } from './cluster.js';
import { semanticsSuite } from './suite.js';

semanticsSuite('the network and the directory in memory', () => memoryCluster('copy'), {
  virtualTime: false,
  shortMs: 500,
  registers: true,
  copies: true,
  faults: false,
});
