import { type Server, ServerCredentials } from '@grpc/grpc-js';
import type { Job, Role } from './messages.js';

/** The server, once it listens. */
export const listening = (server: Server, role: Role): Promise<Job> => {
  const at = role.network === 'tcp' ? '127.0.0.1:0' : `unix:${role.folder}/grpc.sock`;
  return new Promise((resolve, reject) => {
    server.bindAsync(at, ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else {
        resolve({
          address: role.network === 'tcp' ? `127.0.0.1:${String(port)}` : at,
          end: () => {
            server.forceShutdown();
          },
        });
      }
    });
  });
};
