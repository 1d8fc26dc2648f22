/** Sends back whatever it gets, by ZeroMQ's library: ROLE (listens or dials) and ADDRESS. Says where it listens or dials. */
import { Dealer, Router } from 'zeromq';

const [role, address = ''] = process.argv.slice(2);
const socket = role === 'listens' ? new Router() : new Dealer();
if (role === 'listens') await socket.bind(address);
else socket.connect(address);
console.log(socket.lastEndpoint ?? address);
for await (const frames of socket) await socket.send(frames);
