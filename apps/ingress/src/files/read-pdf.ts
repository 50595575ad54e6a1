// The text of a PDF, page by page, by a library. Runs aside, since a PDF may be made to take any time and memory; so this module imports none of ours.
import { parentPort, workerData } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';

export interface PdfLimits {
  readonly pagesMax: number;
  readonly charactersMax: number;
}

/** Why there is no text. `empty`: a scan, most likely. */
export type PdfProblem = 'broken' | 'encrypted' | 'pages' | 'characters' | 'empty';
export type PdfReading = { readonly pages: readonly string[] } | { readonly problem: PdfProblem };

interface TextItem {
  readonly str?: string;
  readonly hasEOL?: boolean;
}

export const readPdf = async (bytes: Uint8Array, { pagesMax, charactersMax }: PdfLimits): Promise<PdfReading> => {
  try {
    const pdf = await getDocumentProxy(bytes, { verbosity: 0, disableFontFace: true });
    if (pdf.numPages > pagesMax) return { problem: 'pages' };
    const pages: string[] = [];
    let characters = 0;
    for (let number = 1; number <= pdf.numPages; number += 1) {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      const text = (items as TextItem[]).map(({ str = '', hasEOL }) => (hasEOL === true ? `${str}\n` : str)).join('');
      characters += text.length;
      if (characters > charactersMax) return { problem: 'characters' };
      pages.push(text);
      page.cleanup();
    }
    return pages.some((text) => text.trim() !== '') ? { pages } : { problem: 'empty' };
  } catch (error) {
    return { problem: error instanceof Error && error.name === 'PasswordException' ? 'encrypted' : 'broken' };
  }
};

if (parentPort !== null) {
  const { bytes, limits } = workerData as { bytes: Uint8Array; limits: PdfLimits }; // of parse-files.ts
  parentPort.postMessage(await readPdf(new Uint8Array(bytes), limits));
}
