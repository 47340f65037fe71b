import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Has an agent cut each request that takes longer as a whole, from connecting to the last byte of its response: the time limit of Node.js begins anew with each
 * byte, so that a response of a byte each second never ends. Once destroyed, the agent connects no more.
 *
 * @param agent whose sockets nobody else uses, as many as there are requests
 */
export function timedAgent<Kind extends Agent>(agent: Kind, mostMs: number): Kind {
  const limits = new WeakMap<Duplex, NodeJS.Timeout>();
  const begin = (socket: Duplex) => {
    const cut = () => socket.destroy(new Error(`no whole response in ${mostMs} ms`));
    limits.set(socket, setTimeout(cut, mostMs));
  };
  const end = (socket: Duplex) => clearTimeout(limits.get(socket));
  let isEnded = false;

  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    if (socket) {
      if (isEnded) socket.destroy();
      else begin(socket);
      socket.once('close', () => end(socket));
    }
    return socket;
  };
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket, request) => {
    begin(socket);
    reuse(socket, request);
  };
  const keep = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket) => {
    end(socket);
    return keep(socket);
  };
  const destroy = agent.destroy.bind(agent);
  agent.destroy = () => {
    isEnded = true;
    destroy();
  };
  return agent;
}
