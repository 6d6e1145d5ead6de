import { stat } from 'node:fs/promises';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import { AppError } from '../../errors.ts';

/** A server under load answers a list within a second or two; what takes longer is retried, or unknown. */
const REQUEST_TIMEOUT_MS = 15_000;

/** The cluster's certificates are read anew so often: they are replaced while we run. */
const POOL_LIFE_MS = 600_000;

/**
 * How to reach the cluster, with one pool of connections for all requests (the client makes a new one for each) and a
 * time-out on every one (the client has none). A kubeconfig that is written anew is read anew: its token ends within a
 * day, and the client itself reads none again that stands in the file.
 */
export class PooledKubeConfig extends KubeConfig {
  #pool: Readonly<{ dispatcher: Dispatcher; since: number }> | undefined;
  #file: Readonly<{ path: string; version: string | null }> | undefined;

  /** Reads a kubeconfig, and again before each request for which it has changed. Throws where it cannot be read now. */
  follow(path: string): void {
    this.loadFromFile(path);
    this.#file = { path, version: null };
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await this.#readAnew();
    await super.applySecurityAuthentication(context);
    const now = performance.now();
    if (this.#pool !== undefined && now - this.#pool.since > POOL_LIFE_MS) {
      // Closes when the requests that it has are done.
      void this.#pool.dispatcher.close();
      this.#pool = undefined;
    }
    this.#pool ??= { dispatcher: context.getDispatcher() ?? new Agent(), since: now };
    context.setDispatcher(this.#pool.dispatcher);
    context.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  /** A file that is gone or half written changes nothing: the server tells what our token is worth. */
  async #readAnew(): Promise<void> {
    if (this.#file === undefined) return;
    const { path, version: before } = this.#file;
    const version = await versionOf(path);
    if (version === null || version === before) return;
    const read = readWhole(path);
    if (read === null) return;
    const { clusters, users, contexts, currentContext } = read;
    this.loadFromOptions({ clusters, users, contexts, currentContext });
    this.#file = { path, version };
  }

  /** Ends the connections with what is under way on them. */
  async close(): Promise<void> {
    await this.#pool?.dispatcher.destroy();
    this.#pool = undefined;
  }
}

/** Reads a kubeconfig, or as a pod the service account's files. Throws `config.invalid`. */
export function loadKubeConfig(file: string | undefined): PooledKubeConfig {
  const config = new PooledKubeConfig();
  try {
    if (file === undefined) config.loadFromCluster();
    else config.follow(file);
    if (config.getCurrentCluster() === null) throw new Error('it names no current cluster');
    return config;
  } catch (cause) {
    throw new AppError(
      'config.invalid',
      {
        faults: [
          `EIREL_KUBECONFIG: ${file ?? 'not set, and this is no pod of a cluster'}: cannot be read as the way to a cluster`,
        ],
      },
      { cause },
    );
  }
}

/** What tells one writing of a file from another; null where there is none. */
async function versionOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}/${size}/${mtimeMs}`;
  } catch {
    return null;
  }
}

/** A kubeconfig with a cluster and a user; null while it is not whole. */
function readWhole(path: string): KubeConfig | null {
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch {
    return null;
  }
  return config.getCurrentCluster() === null || config.getCurrentUser() === null ? null : config;
}
