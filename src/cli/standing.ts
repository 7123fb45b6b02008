import type { NodeStatus } from '../runtime/controller-api.ts';
import type { Terminal } from './output/terminal.ts';
import type { AdministratorNotice, RunningServer, ServerConfig } from '../runtime/server-config.ts';

/** Whether a request would be served: it has joined its cluster, and leads it or hears from who does. */
export function servesNow(status: NodeStatus): boolean {
  const { clusterId, role, leaderId, nodeId } = status;
  if (clusterId === null || role === 'starting' || role === 'stopped' || leaderId === null) return false;
  if (leaderId === nodeId) return status.active;
  // After a restart it remembers from its disk who led, and that one may be gone.
  return status.lastContactMs !== null;
}

/** What a controller says of itself when it listens and serves nobody yet. */
export function listensLine(config: ServerConfig, url: string, status: NodeStatus): string {
  return `Controller ${config.nodeId} listens on ${url}${waitsFor(config, status)}. Ctrl-C stops it.\n`;
}

function waitsFor({ nodeId, voters }: ServerConfig, { clusterId }: NodeStatus): string {
  const others = voters.filter((voter) => voter.id !== nodeId).map((voter) => voter.id);
  const named = `${others.length === 1 ? 'controller' : 'controllers'} ${others.join(', ')}`;
  if (!voters.some((voter) => voter.id === nodeId)) {
    return ` and, since --voters does not name it, waits for ${named} to take it in as an observer`;
  }
  if (others.length === 0) return ' and is about to lead: it is the only voter';
  if (clusterId === null) {
    return ` and waits for ${named}: the first start needs all of them`;
  }
  return ` and waits for a leader: a majority of ${named} and itself must run`;
}

export function servesLine({ nodeId }: ServerConfig, url: string, status: NodeStatus): string {
  const leads = status.leaderId === nodeId ? 'it leads' : `controller ${status.leaderId} leads`;
  return `Controller ${nodeId} serves ${url}; ${leads}${status.isObserver ? ', and it observes' : ''}. Ctrl-C stops it.\n`;
}

/** A person gets to see the secret; what may be kept in a journal only names the file. */
export function administratorText({ token, file }: AdministratorNotice, { isWatched }: Terminal): string {
  const secret = isWatched === true ? `\n\n  ${token}\n\nIt also stands` : ' Its token stands';
  return `The cluster’s first administrator was made.${secret} in ${file}, for this user alone to read:\nkeep it in a safe place, use it as OTTLA_TOKEN, and delete that file.\n`;
}

const lookEveryMs = 100;

/** Says that it listens, unless it serves already, and once that it serves. Ends with the server. */
export function announce(config: ServerConfig, running: RunningServer, say: (text: string) => void): void {
  const { httpUrl } = running;
  const sayIfServing = (): boolean => {
    const status = running.status();
    const isServing = servesNow(status);
    if (isServing) say(servesLine(config, httpUrl, status));
    return isServing;
  };
  if (sayIfServing()) return;
  say(listensLine(config, httpUrl, running.status()));
  const timer = setInterval(() => {
    if (sayIfServing()) clearInterval(timer);
  }, lookEveryMs);
  void running.stopped.then(() => clearInterval(timer));
}
