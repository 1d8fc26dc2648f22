import { Clock, createNode, Meter, override } from 'skein';
import { Greeter } from './greeter.js';
import { RateMeter } from './rate-meter.js';

// One port, replaced: the factory gets the ports that are named before it, and the compiler checks that they fit.
let meter: RateMeter | undefined;
const ownMeter = override(Meter, [Clock], (clock) => (meter = new RateMeter(clock)));

await using node = await createNode('zmq+memory://override', { overrides: [ownMeter] });
await node.serve(Greeter, { hello: (name) => `Hello, ${name}!` });
for (const name of ['Ada', 'Grace', 'Barbara']) console.log(await node.client(Greeter).hello(name));

console.log(`${String(meter?.read().get('requests.ok'))} requests went well`);
if (!((meter?.rate('requests.ok') ?? 0) > 0)) throw new Error('nothing was counted');
