//! The ONNX parser.

use std::ffi::CString;
use std::path::Path;
use std::ptr;

use tensorrt_sys::classes::{IParser, IParserError};
use tensorrt_sys::enums::{ParserErrorCode, Severity};
use tensorrt_sys::{Enumeration, This, VirtualMethod};

use crate::error::Error;
use crate::library::Library;
use crate::network::Network;
use crate::owned::{Borrowed, Owned, string};

/// Fills a network from an ONNX model, and keeps the weights that the network refers to: hence it owns the network.
#[doc(alias = "IParser")]
#[derive(Debug)]
pub struct Parser<'b> {
    // Fields are dropped in order: the parser goes before the network it fills.
    raw: Owned<IParser>,
    network: Network<'b>,
}

/// One entry of the parser's error list.
#[doc(alias = "IParserError")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParserError {
    /// The vendor's name of the error, as `kUNSUPPORTED_NODE`, or its number if the tables have no name.
    pub code: String,
    /// What the parser says.
    pub description: String,
    /// The index of the node in the ONNX graph; `None` if the error belongs to none.
    pub node: Option<usize>,
    /// The node's name; `None` up to TensorRT 8, and for nodes without one.
    pub node_name: Option<String>,
    /// The node's operator; `None` up to TensorRT 8.
    pub operator: Option<String>,
}

impl<'b> Parser<'b> {
    /// A parser that fills `network`.
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "createParser")]
    pub fn new(network: Network<'b>) -> Result<Self, Error> {
        let library = network.library();
        // SAFETY: the network is of this library, and dropped after the parser; the logger is never freed.
        let raw = unsafe { library.raw().create_parser(network.as_ptr(), library.logger()) };
        // SAFETY: a new parser is the caller's to delete.
        let raw = unsafe { Owned::new(raw, &IParser::DELETE, library, "createNvOnnxParser") }?;
        Ok(Self { raw, network })
    }

    /// Parses a file; data that lies outside of it is looked for beside it.
    ///
    /// # Errors
    /// [`Error::Parse`]; [`errors`](Self::errors) has the reasons.
    #[doc(alias = "parseFromFile")]
    pub fn parse_file(&mut self, path: &Path) -> Result<(), Error> {
        let name = CString::new(path.as_os_str().as_encoded_bytes())
            .map_err(|_| Error::ZeroByte(path.display().to_string()))?;
        let verbosity = Severity::Warning.to_raw(self.library().version())?;
        let (this, parse) = self.raw.bind(&IParser::PARSE_FROM_FILE)?;
        // SAFETY: bound to the live parser, whose network is alive.
        let parsed = unsafe { parse(this, name.as_ptr(), verbosity) };
        self.outcome(parsed)
    }

    /// Parses a model in memory. TensorRT may keep referring to the bytes, so they live as long as the builder.
    ///
    /// # Errors
    /// [`Error::Parse`]; [`errors`](Self::errors) has the reasons.
    #[doc(alias = "parse")]
    pub fn parse_bytes(&mut self, model: &'b [u8]) -> Result<(), Error> {
        let (this, parse) = self.raw.bind(&IParser::PARSE)?;
        // SAFETY: bound to the live parser, whose network is alive; no path means no data outside of the model.
        let parsed = unsafe { parse(this, model.as_ptr().cast(), model.len(), ptr::null()) };
        self.outcome(parsed)
    }

    fn outcome(&self, parsed: bool) -> Result<(), Error> {
        self.library().resume_panic();
        if parsed { Ok(()) } else { Err(Error::Parse) }
    }

    /// Everything the parser found wrong.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getError")]
    pub fn errors(&self) -> Result<Vec<ParserError>, Error> {
        let (this, count) = self.raw.bind(&IParser::GET_NB_ERRORS)?;
        // SAFETY: bound to the live parser.
        let count = unsafe { count(this) };
        let mut errors = Vec::new();
        for index in 0..count {
            let (this, get) = self.raw.bind(&IParser::GET_ERROR)?;
            // SAFETY: bound to the live parser, with an index below the count.
            let error = unsafe { get(this, index) };
            // SAFETY: errors belong to their parser, which this borrows.
            if let Some(error) = unsafe { Borrowed::new(error, self.library()) } {
                errors.push(ParserError::read(error)?);
            }
        }
        Ok(errors)
    }

    /// What it parses into.
    pub fn network(&self) -> &Network<'b> {
        &self.network
    }

    /// The network, to build.
    pub fn network_mut(&mut self) -> &mut Network<'b> {
        &mut self.network
    }

    fn library(&self) -> &Library {
        self.raw.library()
    }
}

impl ParserError {
    fn read(error: Borrowed<'_, IParserError>) -> Result<Self, Error> {
        let (this, code) = error.bind(&IParserError::CODE)?;
        // SAFETY: bound to the live error.
        let code = unsafe { code(this) };
        let named = ParserErrorCode::from_raw(error.library().version(), code);
        let (this, node) = error.bind(&IParserError::NODE)?;
        // SAFETY: bound to the live error.
        let node = unsafe { node(this) };
        // What older parsers do not tell is not an error.
        let optional = |method| text(error, method).ok().filter(|text| !text.is_empty());
        Ok(Self {
            code: named.map_or_else(|| code.to_string(), |code| code.vendor_name().to_owned()),
            description: text(error, &IParserError::DESC)?,
            node: usize::try_from(node).ok(),
            node_name: optional(&IParserError::NODE_NAME),
            operator: optional(&IParserError::NODE_OPERATOR),
        })
    }
}

/// What a method of a parser's error says.
fn text(
    error: Borrowed<'_, IParserError>,
    method: &VirtualMethod<IParserError, unsafe extern "C" fn(This) -> *const std::ffi::c_char>,
) -> Result<String, Error> {
    let (this, get) = error.bind(method)?;
    // SAFETY: bound to the live error.
    let text = unsafe { get(this) };
    // SAFETY: the text lives as long as the error.
    Ok(unsafe { string(text) })
}
