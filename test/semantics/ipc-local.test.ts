import { ipcCluster } from './local-cluster.js';
import { semanticsSuite } from './suite.js';

semanticsSuite('ZeroMQ on ipc and the local directory', ipcCluster, {
  virtualTime: false,
  shortMs: 500,
  registers: true,
  faults: false,
});
