//! `IParser` and `IParserError`.

mod import;
mod operators;
mod types;

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;

use calibrant_onnx::{Bytes, Model};
use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::{ILogger, INetworkDefinition, IParser, IParserError};
use tensorrt_sys::enums::{ParserErrorCode, Severity};

use crate::builder::bit;
use crate::client::{bytes_at, text};
use crate::layer::count;
use crate::network::Network;
use crate::object::{Body, Class, Delete, Form, Handle, Table, body};
use crate::registry;
use crate::tensor::c_name;

/// An ONNX parser, which fills the network that it was made for.
pub(crate) struct Parser {
    pub(crate) logger: *mut ILogger,
    pub(crate) network: *mut INetworkDefinition,
    flags: Cell<u32>,
    errors: RefCell<Vec<Handle<ParserError>>>,
}

/// One thing that a parser found wrong.
pub(crate) struct ParserError {
    code: ParserErrorCode,
    description: CString,
    function: CString,
    /// The node's place in the graph; -1 for none.
    node: i32,
    node_name: CString,
    operator: CString,
}

impl Parser {
    pub(crate) fn new(logger: *mut ILogger, network: *mut INetworkDefinition) -> Self {
        Self { logger, network, flags: Cell::new(0), errors: RefCell::default() }
    }
}

impl Class for Parser {
    type Cpp = IParser;
    const NAME: &'static str = "IParser";
    const NAMESPACE: &'static str = "nvonnxparser";
    const DELETE: Option<&'static Delete<IParser>> = Some(&IParser::DELETE);
    const WORD: &'static str = "parser";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on3(&IParser::PARSE, |parser, model, size, path: *const c_char| {
            parser.context().note(format!("parse {size} bytes"));
            let base = text(path);
            let base = Path::new(&base).parent();
            let model = bytes_at(model, size).unwrap_or_default();
            parse(parser, Model::from_shared(Bytes::from(model), base))
        });
        table.on2(&IParser::PARSE_FROM_FILE, |parser, path, verbosity: i32| {
            let path = text(path);
            parser.context().note(format!("parse {path} {verbosity}"));
            parse(parser, Model::read(path.as_ref()))
        });
        table.on1(&IParser::SUPPORTS_OPERATOR, |parser, operator| {
            let operator = text(operator);
            operators::layer_of(&operator).is_some()
                || registry::brings(parser.context(), &operator)
        });
        table.on(&IParser::GET_NB_ERRORS, |parser| count(&parser.errors.borrow()));
        table.on1(&IParser::GET_ERROR, |parser, index: i32| {
            let errors = parser.errors.borrow();
            let error = usize::try_from(index).ok().and_then(|index| errors.get(index));
            error.map_or(ptr::null_mut(), Handle::as_client)
        });
        table.on(&IParser::CLEAR_ERRORS, |parser| parser.errors.borrow_mut().clear());
        table.on1(&IParser::SET_FLAG, |parser, flag: i32| {
            let flag = u32::try_from(flag).ok().and_then(|flag| 1_u32.checked_shl(flag));
            parser.flags.set(parser.flags.get() | flag.unwrap_or(0));
        });
        table.on1(&IParser::GET_FLAG, |parser, flag: i32| {
            u32::try_from(flag).is_ok_and(|flag| parser.flags.get() >> flag.min(31) & 1 == 1)
        });
        table.on1(&IParser::SET_BUILDER_CONFIG, |_, config| !config.is_null());
    }
}

impl Class for ParserError {
    type Cpp = IParserError;
    const NAME: &'static str = "IParserError";
    const NAMESPACE: &'static str = "nvonnxparser";
    const DELETE: Option<&'static Delete<IParserError>> = None;
    const WORD: &'static str = "parser error";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on(&IParserError::CODE, |error| {
            error.code.to_raw(error.context().version()).unwrap_or_default()
        });
        table.on(&IParserError::DESC, |error| error.description.as_ptr());
        table.on(&IParserError::FILE, |_| c"ModelImporter.cpp".as_ptr());
        table.on(&IParserError::LINE, |_| 1);
        table.on(&IParserError::FUNC, |error| error.function.as_ptr());
        table.on(&IParserError::NODE, |error| error.node);
        table.on(&IParserError::NODE_NAME, |error| error.node_name.as_ptr());
        table.on(&IParserError::NODE_OPERATOR, |error| error.operator.as_ptr());
    }
}

/// What a parser finds wrong, in words of its own.
struct Wrong {
    code: ParserErrorCode,
    function: &'static str,
    text: String,
    /// Place, name and operator of the node.
    node: Option<(usize, String, String)>,
}

/// Fills the network, or says why not.
fn parse(parser: &Body<Parser>, model: Result<Model, calibrant_onnx::Error>) -> bool {
    // SAFETY: the network that a parser was made for outlives it.
    let network = unsafe { body::<Network>(parser.network) };
    let Some(network) = network else { return false };
    let wrong = match model {
        Err(error) => vec![Wrong::of_model(ParserErrorCode::ModelDeserializeFailed, chain(&error))],
        Ok(_) if lacks_explicit_batch(parser, network) => {
            let text = "This version of the ONNX parser only supports networks with an explicit batch dimension";
            vec![Wrong::of_model(ParserErrorCode::InvalidValue, text.to_owned())]
        }
        Ok(model) => match import::import(network, &model) {
            Ok(()) => return true,
            Err(wrong) => wrong,
        },
    };
    let errors = wrong.into_iter().map(|wrong| wrong.into_error(parser));
    parser.errors.borrow_mut().extend(errors);
    false
}

/// Whether a network of TensorRT 8 was made for models that leave the batch dimension out.
fn lacks_explicit_batch(parser: &Body<Parser>, network: &Network) -> bool {
    use tensorrt_sys::Generation;
    use tensorrt_sys::enums::NetworkDefinitionCreationFlag as Flag;

    let context = parser.context();
    context.generation() == Some(Generation::TensorRt8)
        && network.flags & bit(context.version(), Flag::ExplicitBatch) == 0
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Wrong {
    fn of_model(code: ParserErrorCode, text: String) -> Self {
        Self { code, function: "parse", text, node: None }
    }

    fn into_error(self, parser: &Body<Parser>) -> Handle<ParserError> {
        let Self { code, function, text, node } = self;
        let context = parser.context();
        let (place, name, operator) = node.unwrap_or_default();
        let has_node = !operator.is_empty();
        let what = code.vendor_name().trim_start_matches('k');
        let description = if has_node {
            format!(
                "In node {place} with name: {name} and operator: {operator} ({function}): {what}: {text}"
            )
        } else {
            format!("{what}: {text}")
        };
        context.log(parser.logger, Severity::Error, &description);
        let error = ParserError {
            code,
            description: c_name(&description),
            function: c_name(function),
            node: if has_node { i32::try_from(place).unwrap_or(i32::MAX) } else { -1 },
            node_name: c_name(&name),
            operator: c_name(&operator),
        };
        Handle::new(context, error)
    }
}
