// Recording and reading audio in the browser.
const RATE = 16_000; // Hz: what recognition hears
const SLICE = 0x8000; // bytes that String.fromCharCode takes at once

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

/** Starts the microphone; `stop()` gives the recording as a WAV file of 16 kHz mono, `cancel()` lets it go. */
export async function record() {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(media);
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  const end = async () => {
    if (recorder.state !== "inactive") recorder.stop();
    await stopped;
    media.getTracks().forEach((track) => track.stop());
  };
  return {
    cancel: end,
    async stop() {
      await end();
      // Browsers record WebM, which the API does not take: the samples go as WAV.
      const samples = await toMono(await new Blob(pieces).arrayBuffer());
      return new File([wav(samples)], "recording.wav", { type: "audio/wav" });
    },
  };
}

async function toMono(bytes) {
  const context = new OfflineAudioContext(1, 1, RATE);
  const decoded = await context.decodeAudioData(bytes); // resampled to RATE
  const mono = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    decoded.getChannelData(channel).forEach((sample, n) => { mono[n] += sample / decoded.numberOfChannels; });
  }
  return mono;
}

function wav(samples) {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, letters) => [...letters].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + samples.length * 2, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true); view.setUint32(28, RATE * 2, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, n) => view.setInt16(44 + n * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return view;
}

/** A file as a data URL, which is how audio travels in a request. */
export async function dataUrl(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts = [];
  for (let at = 0; at < bytes.length; at += SLICE * 3) {
    // Whole groups of three bytes, so that the pieces of base64 join.
    let letters = "";
    for (let n = at; n < Math.min(at + SLICE * 3, bytes.length); n += SLICE) {
      letters += String.fromCharCode(...bytes.subarray(n, Math.min(n + SLICE, at + SLICE * 3)));
    }
    parts.push(btoa(letters));
  }
  return `data:${file.type || "audio/wav"};base64,${parts.join("")}`;
}

export function clock(seconds, decimals = 1) {
  const whole = Math.floor(seconds / 60);
  const rest = (Math.floor((seconds - whole * 60) * 10 ** decimals) / 10 ** decimals).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return whole < 60 ? `${whole}:${rest}` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}:${rest}`;
}
