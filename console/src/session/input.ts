/** Sends keyboard, mouse and touch to the application; the bar keeps its own input. */

import Guacamole from 'guacamole-common-js';
import { commonWords } from '../lib/messages.ts';

interface Target {
  client: () => Guacamole.Client | null;
  isOpen: () => boolean;
}

/** Returns a function that gives the keyboard to the application, and one that ends. */
export function takeInput(
  screen: HTMLElement,
  { client, isOpen }: Target,
): { focus: () => void; stop: () => void } {
  // A hidden text field takes the keys: dead keys, input methods and on-screen keyboards only work
  // in one.
  const sink = new Guacamole.InputSink();
  const field = sink.getElement();
  field.setAttribute('aria-label', commonWords().keyboard);
  field.setAttribute('autocapitalize', 'none');
  screen.parentElement?.appendChild(field);
  const keyboard = new Guacamole.Keyboard(field);
  keyboard.onkeydown = (keysym: number) => {
    if (!isOpen()) return true;
    client()?.sendKeyEvent(1, keysym);
    return false;
  };
  keyboard.onkeyup = (keysym: number) => client()?.sendKeyEvent(0, keysym);
  const release = () => keyboard.reset();
  addEventListener('blur', release);
  const mouse = new Guacamole.Mouse(screen);
  mouse.onEach(['mousedown', 'mousemove', 'mouseup'], (event) => {
    if ((event as Guacamole.Mouse.Event).type === 'mousedown') sink.focus();
    client()?.sendMouseState((event as Guacamole.Mouse.Event).state, true);
  });
  const touch = new Guacamole.Mouse.Touchscreen(screen);
  touch.onEach(['mousedown', 'mousemove', 'mouseup'], (event) =>
    client()?.sendMouseState((event as Guacamole.Mouse.Event).state, true),
  );
  return { focus: () => sink.focus(), stop: () => removeEventListener('blur', release) };
}
