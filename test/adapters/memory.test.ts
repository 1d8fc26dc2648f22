import { MemoryNetwork } from '../../lib/adapters/memory/memory-network.js';
import { Fabric } from '../../lib/adapters/memory/fabric.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { networkContract } from '../contracts/network.js';

networkContract('memory', () => {
  const fabric = new Fabric(new SystemClock());
  const network = new MemoryNetwork(fabric);
  return Promise.resolve({
    listener: network,
    dialer: new MemoryNetwork(fabric),
    anywhere: 'memory://*',
    named: (name) => `memory://${name}`,
    nowhere: 'memory://nobody',
    settle: (promise) => promise,
    open: () => fabric.open().wires.length + fabric.open().listeners.length,
    close: () => undefined,
  });
});
