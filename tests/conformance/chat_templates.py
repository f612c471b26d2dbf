"""Renders the chat templates of a folder with Jinja2 as Hugging Face's transformers sets it up, and
writes tests/js/chat-reference.json: per template and conversation the SHA-256 of the text, or null
where the template refuses or fails.

    python3 tests/conformance/chat_templates.py ../shared/fixtures/chat-templates/jinja    (needs jinja2)
"""
import hashlib
import json
import pathlib
import sys

from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

WEATHER = {'type': 'function', 'function': {
    'name': 'get_weather', 'description': 'Weather of a place, "now"',
    'parameters': {'type': 'object', 'properties': {
        'place': {'type': 'string', 'description': 'Name of the place'},
        'unit': {'type': 'string', 'enum': ['celsius', 'fahrenheit'], 'description': 'Unit'}}, 'required': ['place']}}}
CALL = {'id': 'call_0001', 'type': 'function', 'function': {'name': 'get_weather', 'arguments': {'place': 'Köln', 'unit': 'celsius'}}}
ASKED = [{'role': 'user', 'content': 'How warm is it in Köln?'}, {'role': 'assistant', 'content': '', 'tool_calls': [CALL]},
         {'role': 'tool', 'name': 'get_weather', 'tool_call_id': 'call_0001', 'content': '{"degrees": 7.5}'}]
TALK = [{'role': 'user', 'content': '  Hi <there> & "you"\n'}, {'role': 'assistant', 'content': ' Hello! '},
        {'role': 'user', 'content': 'Bye 🦊'}]
CASES = {
    'one': {'messages': TALK[:1]},
    'turns': {'messages': TALK},
    'finished': {'messages': TALK[:2], 'add_generation_prompt': False},
    'system': {'messages': [{'role': 'system', 'content': 'Be brief.'}, *TALK]},
    'thoughts': {'messages': [TALK[0], {'role': 'assistant', 'content': '<think>\nHm.\n</think>\n\nHello!'}, TALK[2]]},
    'thinking off': {'messages': TALK, 'variables': {'enable_thinking': False, 'thinking': False}},
    'tools': {'messages': ASKED[:1], 'tools': [WEATHER]},
    'tool answered': {'messages': ASKED, 'tools': [WEATHER]},
    'alternation broken': {'messages': [TALK[0], TALK[2]]},
}
SPECIAL = {'bos_token': '<s>', 'eos_token': '</s>'}


def raise_exception(message):
    raise ValueError(message)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def render(template, case):
    return template.render(
        messages=case['messages'], tools=case.get('tools'), documents=None, **SPECIAL,
        add_generation_prompt=case.get('add_generation_prompt', True), **case.get('variables', {}))


def main(folder):
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters['tojson'] = to_json
    env.globals['raise_exception'] = raise_exception
    env.globals['strftime_now'] = lambda form: '2026-03-04 ' + form
    hashes = {}
    for path in sorted(pathlib.Path(folder).glob('*.jinja')):
        template = env.from_string(path.read_text(encoding='utf-8'))
        hashes[path.name] = {}
        for name, case in CASES.items():
            try:
                text = render(template, case)
                hashes[path.name][name] = hashlib.sha256(text.encode()).hexdigest()
            except Exception as error:  # noqa: BLE001  what a template refuses is a result
                hashes[path.name][name] = None
                print(path.name, name, repr(error)[:100])
    out = pathlib.Path(__file__).parent.parent / 'js' / 'chat-reference.json'
    out.write_text(json.dumps({'special': SPECIAL, 'cases': CASES, 'sha256': hashes}, ensure_ascii=False, indent=1) + '\n', encoding='utf-8')


main(sys.argv[1])
