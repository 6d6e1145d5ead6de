import { buildApi, type NodeFacts } from './connection-api.ts';
import { signingObstacle } from './connection-extensions.ts';
import type { Link } from './connection-link.ts';
import { outage } from './connection-message.ts';
import { checkRuntime, type MetadataCache, readRuntime } from './connection-runtime.ts';
import type { Wire } from './connection-socket.ts';

/** A node's upgrade is done within a block; one whose answers disagree more often is not to be followed. */
const MAX_LOADS = 3;

/**
 * The links over one wire: one at a time, and after an upgrade of the runtime the next. Readers under way
 * finish with the one that they have.
 */
export type Links = Readonly<{
  /** The link of the node's runtime; null while that is being loaded. */
  current: () => Link | null;
  /** Loads the node's runtime. Rejects when it cannot be had. */
  load: () => Promise<void>;
  /** Takes the node's word on which runtime it runs now. Rejects when that one cannot be had. */
  follow: (specVersion: number) => Promise<void>;
}>;

export type LinkedNode = Readonly<{
  url: string;
  /** The address as it may be shown. */
  name: string;
  facts: NodeFacts;
  metadata: MetadataCache;
}>;

/** No link yet, for a node whose facts were checked. */
export function linksOver(wire: Wire, node: LinkedNode): Links {
  let current: Link | null = null;
  let loading: Promise<void> | null = null;
  /** The runtime that the node runs by its last word. */
  let spec: number | null = null;

  const loadNewest = async (): Promise<void> => {
    for (let attempt = 0; attempt < MAX_LOADS; attempt++) {
      const link = await buildLink(wire, node);
      spec ??= link.spec;
      if (spec === link.spec) {
        current = link;
        return;
      }
    }
    throw outage('runtime', `no version that stays the same over ${MAX_LOADS} answers`);
  };
  /** One load serves all who ask meanwhile. */
  const load = (): Promise<void> => {
    loading ??= loadNewest().finally(() => {
      loading = null;
    });
    return loading;
  };
  return {
    current: () => current,
    load,
    follow: async (specVersion) => {
      if (specVersion === spec) return;
      spec = specVersion;
      current = null;
      await load();
    },
  };
}

async function buildLink(wire: Wire, { url, name, facts, metadata }: LinkedNode): Promise<Link> {
  const runtime = await readRuntime(wire, url, metadata);
  const api = await buildApi(wire, facts, runtime);
  checkRuntime(api, facts, runtime);
  metadata.set(url, runtime);
  const cannotSign = signingObstacle(api);
  return {
    api,
    spec: runtime.specVersion,
    endpoint: name,
    call: wire.call,
    canSign: cannotSign === null,
    cannotSign,
  };
}
