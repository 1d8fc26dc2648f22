import { memoryCluster } from './cluster.js';
import { semanticsSuite } from './suite.js';

semanticsSuite('memory that the nodes share', () => memoryCluster('share'), {
  virtualTime: false,
  shortMs: 500,
  registers: true,
  copies: false,
  faults: false,
});
