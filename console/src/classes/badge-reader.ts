/** Reads badges with the camera, frame by frame, and from a keyboard-emulating scanner. Does not
 * validate what it reads. */
import { scannedSign } from './scanned-sign.ts';

type Decode = (frame: ImageData) => string | null;
interface Detector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}
type DetectorClass = {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats: () => Promise<string[]>;
};

export type CameraProblem = 'denied' | 'none' | 'unsafe';

/** Opens the camera into `video` and calls `found` with each text it reads. Throws CameraProblem.
 * Returns a function that stops it. */
export async function readCamera(
  video: HTMLVideoElement,
  found: (text: string) => void,
): Promise<() => void> {
  if (!window.isSecureContext || navigator.mediaDevices === undefined)
    throw 'unsafe' satisfies CameraProblem;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: 'user' }, width: { ideal: 1280 }, height: { ideal: 720 } },
      audio: false,
    });
  } catch (error) {
    throw (
      (error as DOMException).name === 'NotAllowedError' ? 'denied' : 'none'
    ) satisfies CameraProblem;
  }
  let stopped = false;
  const stop = () => {
    stopped = true;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  void look(video, found, () => stopped);
  return stop;
}

async function look(
  video: HTMLVideoElement,
  found: (text: string) => void,
  isStopped: () => boolean,
): Promise<void> {
  const native = await nativeDetector();
  const decode = native === null ? await drawnDecoder() : null;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  while (!isStopped()) {
    let text: string | null = null;
    if (video.videoWidth > 0 && native !== null)
      text = (await native.detect(video).catch(() => []))[0]?.rawValue ?? null;
    else if (video.videoWidth > 0 && decode !== null && context !== null) {
      const scale = Math.min(1, 960 / video.videoWidth);
      [canvas.width, canvas.height] = [
        Math.round(video.videoWidth * scale),
        Math.round(video.videoHeight * scale),
      ];
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      text = decode(context.getImageData(0, 0, canvas.width, canvas.height));
    }
    if (text !== null && text !== '' && !isStopped()) found(text);
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

async function nativeDetector(): Promise<Detector | null> {
  const known = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (known === undefined) return null;
  const formats = await known.getSupportedFormats().catch(() => [] as string[]);
  return formats.includes('qr_code') ? new known({ formats: ['qr_code'] }) : null;
}

/** Loaded only when needed: most tablets read codes themselves. */
async function drawnDecoder(): Promise<Decode> {
  const { default: jsQR } = await import('jsqr');
  return (frame) =>
    jsQR(frame.data, frame.width, frame.height, { inversionAttempts: 'dontInvert' })?.data ?? null;
}

/** A scanner types much faster than a person and ends with Enter. Passes on both the text as it
 * arrived and the text as an American keyboard would give it. Returns a function that stops it. */
export function readScanner(found: (texts: string[]) => void): () => void {
  let typed = '';
  let meant = '';
  let last = 0;
  const listen = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const pause = event.timeStamp - last;
    if (event.key === 'Enter') {
      if (typed.length > 40) {
        event.preventDefault();
        found([typed, meant]);
      }
      typed = meant = '';
      return;
    }
    const sign = scannedSign(event.code, event.shiftKey);
    if (event.key.length !== 1 && sign === null) return;
    // Keys before a long pause were typed by a person and are no part of a badge.
    if (pause > 500) typed = meant = '';
    last = event.timeStamp;
    if (typed.length < 400) {
      typed += event.key.length === 1 ? event.key : '';
      meant += sign ?? '';
    }
  };
  addEventListener('keydown', listen, { capture: true });
  return () => removeEventListener('keydown', listen, { capture: true });
}
