"""What the code of a Worker shows that it refuses, in the spellings of the field."""

import pytest

from tasks.catalogue.worker.refusals import refusals, refuses_key, uses

BAD = "return new Response('no', { status: 400 });"


@pytest.mark.parametrize(
    "code",
    [
        "if (!body.name) " + BAD,
        "if (!name || !email) " + BAD,
        "if (!form?.name?.trim()) " + BAD,
        "if (body.name === undefined) " + BAD,
        "if (name.trim() === '') " + BAD,
        "if (body.name == null) " + BAD,
        "if (name.length < 2) " + BAD,
        "if (typeof body.name !== 'string') " + BAD,
        "const schema = z.object({\n  name: z.string().min(1),\n});\n" + BAD,
        "const schema = v.object({ name: v.string() }); app.post('/', vValidator('json', schema))",
        "const rules = { name: { max: 120, required: true } };\n" + BAD,
        "const REQUIRED = ['name', 'email'];\n" + BAD,
        "for (const field of ['email', \"name\"]) if (!body[field]) " + BAD,
    ],
)
def test_field_that_the_code_needs(code: str) -> None:
    assert "name" in refusals(code, ["name"]).needed


@pytest.mark.parametrize(
    "code",
    [
        "const { name } = body; await sql`INSERT INTO inbox (name) VALUES (${name ?? ''})`;",
        "if (!body.name) console.warn('no name');",
        "// if (!body.name) return 400\nawait store(body.name);",
        "interface Form { name: string }\nif (request.method !== 'POST') " + BAD,
        "const schema = z.object({\n  name: z.string().optional(),\n});\n" + BAD,
        "const rules = { name: { max: 120, required: false } };\n" + BAD,
        "try { await store(body.name) } catch (error) { if (!error.name) " + BAD + " }",
    ],
)
def test_field_that_the_code_does_not_need(code: str) -> None:
    assert refusals(code, ["name"]).needed == ()


@pytest.mark.parametrize(
    ("code", "mail"),
    [
        ("if (!/^[^@]+@[^@]+$/.test(email)) " + BAD, True),
        ("z.object({ email: z.string().email() });" + BAD, True),
        ("if (!isEmail(email)) " + BAD, True),
        ("if (!email.includes('@')) " + BAD, True),
        ("if (!email) " + BAD, False),
        ("if (!isEmail(email)) email = '';", False),
    ],
)
def test_test_of_mail_addresses(code: str, mail: bool) -> None:
    assert refusals(code, ["email"]).mail is mail


@pytest.mark.parametrize(
    ("code", "is_used"),
    [
        ("if (key !== env.INTAKE_KEY) return", True),
        ("const { INTAKE_KEY } = env;", True),
        ('env["INTAKE_KEY"]', True),
        ("interface Env { INTAKE_KEY: string }", False),
        ("// env.INTAKE_KEY", False),
    ],
)
def test_use_of_a_variable_is_no_declaration(code: str, is_used: bool) -> None:
    assert uses(code, "INTAKE_KEY") is is_used


def test_status_for_a_wrong_key() -> None:
    assert refuses_key("return new Response('no', { status: 401 })")
    assert refuses_key("app.use(bearerAuth({ token }))")
    assert not refuses_key("return new Response('no', { status: 404 })")
