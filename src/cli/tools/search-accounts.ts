import { readFile } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import { AppError } from '../../errors.ts';
import { corpusSearch, SearchCorpus } from '../../handlers/tools/search-corpus.ts';
import type { SearchProvider } from '../../handlers/tools/search-provider.ts';
import type { PeerClient } from '../../runtime/peer-client.ts';
import { type SearchAccount, searchProvider } from '../../runtime/search-providers.ts';
import { readSecretFile } from '../secret-file.ts';

const KEYS = [
  ['brave', 'EIREL_BRAVE_SEARCH_API_KEY_FILE'],
  ['serper', 'EIREL_SERPER_API_KEY_FILE'],
  ['tavily', 'EIREL_TAVILY_API_KEY_FILE'],
] as const satisfies readonly (readonly [SearchAccount['kind'], keyof Config])[];

/**
 * Who searches, in the order in which they are asked: the providers of which there is a key, then the corpus. Throws
 * `config.invalid` where there is neither.
 */
export async function openSearchProviders(
  config: Config,
  client: Pick<PeerClient, 'get' | 'post'>,
): Promise<readonly SearchProvider[]> {
  const providers: SearchProvider[] = [];
  for (const [kind, setting] of KEYS) {
    if (config[setting] === undefined) continue;
    const key = await readSecretFile(config, setting);
    providers.push(searchProvider({ kind, key }, client));
  }
  const { EIREL_WEB_SEARCH_CORPUS: file } = config;
  if (file !== undefined) providers.push(corpusSearch(await readCorpus(file)));
  if (providers.length > 0) return providers;
  const settings = [...KEYS.map(([, setting]) => setting), 'EIREL_WEB_SEARCH_CORPUS'];
  throw new AppError('config.invalid', {
    faults: [`${settings.join(', ')}: none is set, and \`eirel tools web-search\` needs one`],
  });
}

async function readCorpus(file: string): Promise<SearchCorpus> {
  try {
    return SearchCorpus.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const expected = 'JSON `{documents: [{document_id, title, url, snippet, content}]}`';
    throw new AppError('file.unreadable', { file, expected }, { cause });
  }
}
