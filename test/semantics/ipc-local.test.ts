import { describeWith } from '../needs.js';
import { localCluster } from './local-cluster.js';
import { semanticsSuite } from './suite.js';

describeWith('zeromq', "ZeroMQ's library", () => {
  semanticsSuite('ZeroMQ on ipc and the local directory', localCluster('?network=zmq'), {
    virtualTime: false,
    shortMs: 500,
    registers: true,
    copies: true,
    faults: false,
  });
});
