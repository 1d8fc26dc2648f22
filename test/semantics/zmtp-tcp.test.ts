import { localCluster } from './local-cluster.js';
import { semanticsSuite } from './suite.js';

semanticsSuite('ZMTP in TypeScript on tcp', localCluster('?network=zmtp&bind=tcp://127.0.0.1:*'), {
  virtualTime: false,
  shortMs: 500,
  registers: true,
  copies: true,
  faults: false,
});
