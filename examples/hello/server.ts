import { createNode } from 'skein';
import { Greeter } from './contract.js';

const node = await createNode('zmq+local://');
await node.serve(Greeter, { hello: ({ name }) => `Hello, ${name}!` });
console.log('ready');
