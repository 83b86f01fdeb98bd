import { QuarryError } from '../../src/errors/index.js';
import type { SourceDocument } from '../../src/sources/index.js';

/** Reads every document to its end; one that is damaged alone does not keep the others from being read. */
export async function drain(documents: AsyncIterable<SourceDocument>): Promise<void> {
  for await (const document of documents) {
    try {
      for await (const _piece of document.pieces);
    } catch (error) {
      if (!(error instanceof QuarryError) || document.independent !== true) throw error;
    }
  }
}
