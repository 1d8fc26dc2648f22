import { simCluster } from './sim-cluster.js';
import { semanticsSuite } from './suite.js';

semanticsSuite('a simulation', simCluster, { virtualTime: true, shortMs: 60, registers: true, copies: true, faults: true });
