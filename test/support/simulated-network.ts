import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { acceptedEvidence, evidenceFile } from '#src/projectors/evidence.ts';
import type { SimulatedNode } from './simulated-subnet.ts';
import { tileFiles } from './tile-files.ts';

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
      return proofOf(node, url);
  }
}

/** As `get`, for what is sent: evidence is all that anybody takes. */
export async function post(
  url: URL,
  file: Uint8Array,
  asker: string,
  network: SimulatedNetwork,
): Promise<Fetched> {
  const tampered = await network.tamper(url, asker);
  if (tampered !== null) return tampered;
  const node = network.nodes.get(url.host);
  if (node === undefined || network.down.has(url.host))
    return { kind: 'refused', reason: 'unreachable', detail: `${url.host} is down` };
  if (url.pathname !== '/v1/evidence') return status(404);
  const { kind } = await node.validator.offerEvidence(file);
  return status({ accepted: 201, known: 200, refused: 422, busy: 429 }[kind]);
}

/** What is served of a node's log, of what it witnessed, and of the evidence that it accepted. */
async function proofOf(
  { evidence, checkpoints, disk, witnessed }: SimulatedNode,
  { pathname, searchParams }: URL,
): Promise<Fetched> {
  if (pathname === '/v1/evidence' && searchParams.get('view') === 'index') {
    const entries = (await acceptedEvidence(evidence)).map(({ digest, hotkey, kind }) => ({
      digest,
      hotkey,
      kind,
    }));
    return body(encodeBytes({ evidence: entries }));
  }
  const [, first = '', second = '', third = ''] = pathname.split('/');
  if (first === 'v1' && second === 'evidence') return found(await evidenceFile(evidence, third));
  if (first === 'witness') {
    const held = [...witnessed.values()].find(({ origin }) => sha256(origin) === second);
    return found(held?.note ?? null);
  }
  if (pathname === '/log/checkpoint') return found(checkpoints.published()?.note ?? null);
  const size = checkpoints.published()?.size ?? 0;
  const leaves = disk.messages.slice(0, size).map(({ payload }) => leafOf(payload));
  return found(await tileFiles(() => leaves).read(pathname.slice('/log/'.length)));
}

function found(bytes: Uint8Array | string | null): Fetched {
  return bytes === null ? status(404) : body(Buffer.from(bytes));
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
