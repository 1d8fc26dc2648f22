import { ContainerModule } from 'inversify';
import { createNode, Logger } from 'skein';
import { Greeter } from './greeter.js';

/** Writes one line of JSON for each entry. */
class JsonLogger extends Logger {
  override debug(): void {
    // Of no interest here.
  }

  override info(): void {
    // Of no interest here.
  }

  override warn(message: string): void {
    this.#write('warn', message);
  }

  override error(message: string): void {
    this.#write('error', message);
  }

  #write(level: string, message: string): void {
    console.log(JSON.stringify({ level, message }));
  }
}

// An Inversify module takes the place of whatever it rebinds, for those who want the container itself.
const logging = new ContainerModule(({ rebind }) => {
  rebind(Logger).toConstantValue(new JsonLogger());
});

await using node = await createNode('zmq+memory://module', { modules: [logging] });
await node.serve(Greeter, {
  hello: (name) => {
    throw new RangeError(`${name} is not at home`);
  },
});
await node
  .client(Greeter)
  .hello('Ada')
  .then(undefined, (error: unknown) => {
    console.log(String(error));
  });
