import { encodeBytes } from '#src/events/ej1.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import type { SimulatedNode } from './simulated-subnet.ts';

/** The network between nodes: who answers at which axon, and who lies about it. */
export type SimulatedNetwork = {
  readonly nodes: Map<string, SimulatedNode>;
  /** Hosts that do not answer. */
  readonly down: Set<string>;
  /** Replaces an answer; null lets the node answer. */
  tamper: (url: URL, asker: string) => Promise<Fetched | null>;
};

/** The HTTP interface without HTTP: the same publisher, the same statuses. */
export async function get(url: URL, asker: string, network: SimulatedNetwork): Promise<Fetched> {
  const tampered = await network.tamper(url, asker);
  if (tampered !== null) return tampered;
  if (network.down.has(url.host))
    return { kind: 'refused', reason: 'unreachable', detail: `${url.host} is down` };
  const node = network.nodes.get(url.host);
  if (node === undefined)
    return { kind: 'refused', reason: 'unreachable', detail: `nobody at ${url.host}` };
  const { publisher } = node.validator;
  const [, , , what = '', run = ''] = url.pathname.split('/');
  const family = url.searchParams.get('family') ?? '';
  switch (what) {
    case 'scores': {
      const found = await publisher.signedReport(family, run);
      return found.kind === 'ready' ? body(found.bytes) : withheld(found.kind);
    }
    case 'reports': {
      if (url.searchParams.get('view') === 'index') {
        const found = await publisher.reportIndex(family, run);
        return found.kind === 'ready'
          ? body(encodeBytes({ family, run, reports: found.reports }))
          : withheld(found.kind);
      }
      const found = await publisher.reportByDigest(
        family,
        run,
        url.searchParams.get('digest') ?? '',
      );
      if (found.kind !== 'ready') return withheld(found.kind);
      return found.bytes === null ? status(404) : body(found.bytes);
    }
    case 'decisions': {
      const found = await publisher.decision(family, run);
      if (found === null) return status(404);
      const statements = found.statements.map((bytes) => Buffer.from(bytes).toString());
      return body(Buffer.from(`{"statements":[${statements.join(',')}]}`));
    }
    case 'certificates': {
      const found = await publisher.certificate(family, run);
      return found.kind === 'ready' ? body(found.bytes) : status(404);
    }
    default:
      return status(404);
  }
}

function withheld(kind: 'sealed' | 'unknown'): Fetched {
  return status(kind === 'sealed' ? 425 : 404);
}

export function body(bytes: Uint8Array): Fetched {
  return { kind: 'ok', status: 200, body: bytes };
}

export function status(code: number): Fetched {
  return { kind: 'ok', status: code, body: new Uint8Array() };
}
