// The same as peer_trips.py for node's iso_8583: node peer_trips.js FOLDER < lines
// FOLDER has the library in node_modules; bitmap binary, as it has no other.
'use strict';
const path = require('path');
const Iso = require(path.join(process.argv[2], 'node_modules', 'iso_8583'));
const hexadecimal = { ContentType: 'an', Label: '', LenType: 'fixed', MaxLen: 16 };
const formats = { 52: hexadecimal, 64: hexadecimal };
let trips = null;

function prepared(line) {
  const [request, dropped, answer] = JSON.parse(line);
  const payload = new Iso({ 0: '0200', ...request }, formats).getBufferMessage();
  const written = (elements) => {
    const octets = new Iso(elements, formats).getBufferMessage();
    if (!Buffer.isBuffer(octets)) throw new Error(JSON.stringify(octets));
  };
  const whole = { 0: '0210', ...request, ...answer };
  for (const number of dropped) delete whole[number];
  const ours = () => {
    const read = { ...new Iso({}, formats).getIsoJSON(payload, { lenHeader: true }), ...answer };
    read[0] = '0210';
    for (const number of dropped) delete read[number];
    written(read);
  };
  const read = () => new Iso({}, formats).getIsoJSON(payload, { lenHeader: true });
  return { ours, read, write: () => written({ ...whole }) };
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (trips === null) {
    trips = prepared(line);
    return;
  }
  const [name, count] = line.split(' ');
  const [trip, calls] = [trips[name], Number(count)];
  const before = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) trip();
  const spent = process.cpuUsage(before);
  console.log((spent.user + spent.system) / calls);
});
