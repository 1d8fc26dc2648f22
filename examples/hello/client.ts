import { createNode } from 'skein';
import { Greeter } from './contract.js';

await using node = await createNode('zmq+local://');
console.log(await node.client(Greeter).hello({ name: process.argv[2] ?? 'world' }));
