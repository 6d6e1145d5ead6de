import type { ServerResponse } from 'node:http';
import type { ResourceName } from './objects.ts';
import { isSelected, shownAs } from './select.ts';
import type { Change, Store } from './store.ts';

/** How one watch is spoilt, from its beginning. */
export type WatchFault =
  /** The server refuses it. */
  | Readonly<{ kind: 'refused'; status: number }>
  /** It is answered, and nothing ever comes. */
  | Readonly<{ kind: 'silent' }>
  /** The connection breaks in the middle of the first event. */
  | Readonly<{ kind: 'cut' }>
  /** It is answered and ended at once. */
  | Readonly<{ kind: 'ended' }>
  /** Each event comes twice, and then the one before it once more. */
  | Readonly<{ kind: 'duplicate' }>
  /** The first line is this one. */
  | Readonly<{ kind: 'line'; line: string }>;

export type Asked = Readonly<{
  url: URL;
  accept: string;
  resource: ResourceName;
  namespace: string;
  fault: WatchFault | null;
}>;

/** A watch that is open: what a test may do to it. */
export type OpenWatch = Readonly<{
  resource: ResourceName;
  bookmark: () => void;
  /** As a server ends it after its time. */
  end: () => void;
}>;

/** Serves one watch: what happened since, and what happens from now on, until somebody ends it. */
export function serveWatch(
  res: ServerResponse,
  asked: Asked,
  store: Store,
  open: Set<OpenWatch>,
): void {
  const { url, resource, fault } = asked;
  let from = Number(url.searchParams.get('resourceVersion'));
  if (fault?.kind === 'refused') return void res.writeHead(fault.status).end();
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.flushHeaders();
  if (fault?.kind === 'ended') return void res.end();
  if (fault?.kind === 'line') res.write(`${fault.line}\n`);
  const send = sender(res, fault);
  if (from < store.compacted) {
    const status = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' };
    send({ type: 'ERROR', object: { ...status, message: 'too old resource version' } });
    return void res.end();
  }
  const tell = () => {
    for (const change of store.changes.filter(({ version }) => version > from)) {
      from = change.version;
      const type = typeFor(change, asked);
      if (type !== null) send({ type, object: shownAs(change.object, asked.accept) });
    }
  };
  tell();
  const forget = store.onChange(tell);
  const watch: OpenWatch = {
    resource,
    bookmark: () => {
      if (url.searchParams.get('allowWatchBookmarks') !== 'true') return;
      const metadata = { resourceVersion: String(store.version) };
      send({ type: 'BOOKMARK', object: { metadata } });
    },
    end: () => void res.end(),
  };
  open.add(watch);
  res.once('close', () => {
    forget();
    open.delete(watch);
  });
}

/** What a change is for one who selects: an object that is not selected any more is gone for him. */
function typeFor({ resource, type, object, before }: Change, asked: Asked): Change['type'] | null {
  if (resource !== asked.resource || object.metadata.namespace !== asked.namespace) return null;
  const was = before !== null && isSelected(before, asked.url);
  const is = type !== 'DELETED' && isSelected(object, asked.url);
  if (was) return is ? 'MODIFIED' : 'DELETED';
  return is ? 'ADDED' : null;
}

function sender(res: ServerResponse, fault: WatchFault | null): (event: object) => void {
  let last = '';
  return (event) => {
    const line = `${JSON.stringify(event)}\n`;
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'cut') {
      res.write(line.slice(0, line.length / 2), () => res.destroy());
      return;
    }
    res.write(fault?.kind === 'duplicate' ? line + line + last : line);
    last = line;
  };
}
